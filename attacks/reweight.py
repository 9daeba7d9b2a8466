"""Extraction from answers that are drawn anew, so that they are distributed as if the defense had not skewed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attacks.knowing import KnowingAttack
from benchmark.errors import UsageError
from benchmark.interfaces import ImageModel, Knowledge, ThreatModel, parameter
from benchmark.metrics import Moments, frechet_distance, moments
from benchmark.oracle import Oracle
from benchmark.subsampling import CALIBRATIONS, calibrate, calibration_z, effective_sample_size, resample

COMPONENTS = 32
"""Principal components of the features that images are told apart by, at most."""

FOLDS = 5
"""Parts of the images; those of each are judged by a classifier that was fitted to the others."""

FLATTENINGS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Powers that weights are raised to: with the first all answers weigh the same, with the last as much as they did."""

REGULARIZATION = 0.01
"""Scikit-learn's C, small as about as many terms are fitted as there are real images in a small share."""


@dataclass(frozen=True)
class Reweight(KnowingAttack):
    """Weighs the answers so that they are distributed like real images, draws as many anew, and trains a GAN on those.

    For defenses that skew the distribution of answers: interpolation, semantic edits, truncation. An answer weighs as
    much as its density ratio to real images, which a classifier that tells the two apart gives (Sugiyama, Suzuki and
    Kanamori, "Density Ratio Estimation in Machine Learning", 2012, chapter 4; of generated images: Grover et al., "Bias
    Correction of Learned Generative Models using Likelihood-Free Importance Weighting", NeurIPS 2019, arXiv
    1906.09531). Where ``accuracy`` asks the target's discriminator, this attacker fits his own: logistic regression on
    the principal components of a public network's features, their squares and products, which of Gaussian features
    gives the true ratio; calibrated on images that it was not fitted to. He knows the defense, and compares its answers
    with real images that it has perturbed likewise: the ratio is of what is answered, and not of how it is perturbed.

    Without real images (``share`` 0) he balances: answers are parted into ``clusters`` by k-means of the same
    components, and of all clusters come equally many, as Liu et al., "Diverse Image Generation via Self-Conditioned
    GANs", CVPR 2020 (arXiv 2006.10728), balance modes by clusters. That supposes a training set which is balanced.

    What a defense never answers cannot be drawn; and the further its answers lie from real images, the fewer of them
    carry all the weight, which may cost more than the skew. Weights are therefore flattened (Shimodaira, "Improving
    Predictive Inference under Covariate Shift by Weighting the Log-Likelihood Function", 2000: raised to a power
    between 0 and 1) as far as brings the answers drawn nearest to the real images, by the Fréchet distance of the
    features. The power, and how many answers the weights amount to, are reported. The real images are trained on too.
    """

    share: float = parameter(0.1, "share of the training set that the attacker has", low=0, high=1)
    calibration: str = parameter("isotonic", "regression that calibrates the classifier", choices=CALIBRATIONS)
    clusters: int = parameter(
        10, "without real images: clusters that are balanced", low=2, high=1000, only={"share": (0.0,)}
    )

    @property
    def threat_model(self) -> ThreatModel:
        """A share of the training set, and the defense; of neither any without a share."""
        return ThreatModel(real_share=self.share, defense=self.share > 0)

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        """Query all at once, weigh, draw anew, and train on that together with the real images."""
        answers = oracle.query(oracle.remaining)
        if self.share:
            histories = self.histories(knowledge.defense, oracle)
            weights = self.against_real(answers, knowledge, histories, rng)
        else:
            weights = self.balanced(answers, knowledge, rng)
        knowledge.report("effective_sample_size", effective_sample_size(weights))
        chosen = resample(weights, rng)
        oracle.discard(len(answers) - len(torch.unique(chosen)))
        return self.train(torch.cat([answers[chosen], knowledge.real_images]), knowledge, rng)

    def against_real(
        self, answers: Tensor, knowledge: Knowledge, histories: Sequence[int], rng: torch.Generator
    ) -> Tensor:
        """Logarithms of the weights, float64 (n,): calibrated log-odds that an answer is real, flattened.

        Args:
            answers: uint8 (n, C, H, W).
            knowledge: with real images.
            histories: see :meth:`KnowingAttack.histories`.
            rng: where all is drawn from.

        Raises:
            UsageError: there are too few real images, or answers, to part into folds.
        """
        real = knowledge.real_images
        if min(len(real), len(answers)) < FOLDS:
            raise UsageError(
                f"a share of {self.share:g} is {len(real)} real images, beside {len(answers)} answers; "
                f"{FOLDS} of each are needed"
            )
        defense = knowledge.defense.restated(knowledge.recipe.latent_dim, rng)
        real = self.defended(real, defense, histories, rng)
        is_real = np.arange(len(real) + len(answers)) < len(real)
        features = torch.cat([knowledge.features(real), knowledge.features(answers)])
        scores = out_of_fold(principal(features, rng), is_real, rng)
        odds = self.log_odds(scores[: len(real)], scores[len(real) :], knowledge)
        power = flattening(odds, features[len(real) :].numpy(), moments(features[: len(real)].numpy()), rng)
        knowledge.report("flattening", power)
        return power * odds

    def log_odds(self, on_real: Tensor, on_answers: Tensor, knowledge: Knowledge) -> Tensor:
        """Calibrated log-odds float64 (n,) of all answers; of the logits of either, one half tells how well it went."""
        half = min(len(on_real), len(on_answers)) // 2
        # Folds are at random, so that the first of each are as good as any.
        log_odds = calibrate(self.calibration, on_real[:half], on_answers[:half])
        held_out = log_odds(torch.cat([on_real[half : 2 * half], on_answers[half : 2 * half]]))
        knowledge.report("calibration_z", calibration_z(held_out, torch.arange(2 * half) < half))
        return log_odds(on_answers)

    def balanced(self, answers: Tensor, knowledge: Knowledge, rng: torch.Generator) -> Tensor:
        """Logarithms of the weights, float64 (n,): an answer's is one over the answers of its cluster.

        Raises:
            UsageError: there are fewer answers than clusters.
        """
        if len(answers) < self.clusters:
            raise UsageError(f"{len(answers)} answers cannot be parted into {self.clusters} clusters; ask for fewer")
        from sklearn.cluster import KMeans  # slow to import, as all of scikit-learn is

        components = principal(knowledge.features(answers), rng)
        labels = KMeans(self.clusters, n_init=3, random_state=seed_of(rng)).fit_predict(components)
        counts = np.bincount(labels, minlength=self.clusters)
        knowledge.report("largest_cluster", counts.max() / len(answers))
        return torch.from_numpy(-np.log(counts[labels]))


def flattening(log_odds: Tensor, features: NDArray[np.float32], real: Moments, rng: torch.Generator) -> float:
    """Which of :data:`FLATTENINGS` brings answers, drawn anew by their weights, nearest to real images.

    Args:
        log_odds: of the answers, float64 (n,).
        features: of the answers, float32 (n, dim).
        real: moments of the real images' features.
        rng: where answers are drawn from.
    """
    chosen = {power: resample(power * log_odds, rng).numpy() for power in FLATTENINGS}
    return min(chosen, key=lambda power: frechet_distance(moments(features[chosen[power]]), real))


def seed_of(rng: torch.Generator) -> int:
    """A seed for scikit-learn."""
    return int(torch.randint(2**31, (1,), generator=rng))


def principal(features: Tensor, rng: torch.Generator) -> NDArray[np.float64]:
    """Features float32 (n, dim) -> their first principal components, each of variance 1, float64 (n, k)."""
    from sklearn.decomposition import PCA

    count = min(COMPONENTS, *features.shape)
    found = PCA(count, whiten=True, random_state=seed_of(rng)).fit_transform(features.numpy())
    return np.asarray(found, dtype=np.float64)


def out_of_fold(components: NDArray[np.float64], is_real: NDArray[np.bool_], rng: torch.Generator) -> Tensor:
    """How real each image looks to a classifier that has not seen it: logits float64 (n,).

    Args:
        components: float64 (n, k).
        is_real: bool (n,); both kinds count alike, however many there are.
        rng: parts the images into folds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    regression = LogisticRegression(C=REGULARIZATION, class_weight="balanced", max_iter=1000)
    classifier = make_pipeline(PolynomialFeatures(2, include_bias=False), StandardScaler(), regression)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed_of(rng))
    logits = cross_val_predict(classifier, components, is_real, cv=folds, method="decision_function")
    return torch.from_numpy(logits)
