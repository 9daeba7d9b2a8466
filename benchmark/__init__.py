"""A defense-first benchmark of model extraction from generative models.

Where what stands, in the order of the data; ``benchmark/pipeline.py`` reads like it::

    asked for
      config, tracks, budget, strength     a track and a cell, as validated values, and how people write them
      defaults                             what is done where nothing else is asked for
      sweep                                many cells
      setting                              what a track names, loaded
    what plugins are
      interfaces, metric, plugin           the contracts; what a hyperparameter is
      registry, stack                      a plugin made from its spec; defenses one after the other
      conformance, scaffold, templates     whether one keeps its contract; new ones to begin from
    target
      data, images                         the training set; the formats that images have everywhere
      targets                              those that are shipped, those of one's own, and how they are trained
      provider, attributes                 what whoever serves a target has, for defenses that ask for it
    oracle
      oracle, clients                      the defended answers, charged to a budget; who asks for them
    attack
      knowledge                            what its threat model grants it
      gan, adversarial, recipe, trained    the one training loop, one step of it, how it goes, what it gives
      networks, losses, regularisers       what is trained, and on what
      augmentation, screen                 what is done to images before they are judged
      ensemble                             many trainings at once
      subsampling                          a generator's images, drawn toward the real ones
      transfer                             a stolen model, trained further
    metrics
      features, metrics                    extractors; figures of features and of images
      stored_images, measures              of a track's images: the features and the figures, each made once
    record
      pipeline                             one cell, from the target to the record
      artifacts, store, keys, source       its pieces, kept under the hash of all that determines them
      record, sheet, results               what came out: figures, images, and the folder they stand in
      mirror, files                        that folder behind a URL; files that are whole or absent
    who does the cells
      executors                            this process, workers, a cluster, a GPU
      isolation                            foreign plugins in processes of their own
      compute, streams                     the device and its memory; randomness
      progress, errors                     what is said while it goes, and when it goes wrong
    for others
      submission                           a defense under the fixed protocol, as a bundle that anybody can check
      cli, commands                        the command line
"""
