"""The hyperparameters of SageMaker's image-classification algorithm and the values it takes (developer guide, IC-Hyperparameter)."""

import re


def number(low=None, high=None, whole=False):
    """low is exclusive for a float's 0 where the guide says "positive"; both ends belong to a range"""

    def check(text):
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            return "is not %s" % ("an integer" if whole else "a number")
        if low is not None and value < low or high is not None and value > high:
            return "is not %s" % ("between %g and %g" % (low, high) if high is not None else "at least %g" % low)
        return None

    return check


def one_of(*values):
    return lambda text: None if text in values else "is not one of [%s]" % ", ".join(repr(value) for value in values)


def matching(pattern, words):
    return lambda text: None if re.fullmatch(pattern, text) else "is not %s" % words


COUNT, SHARE, FLAG = number(1, whole=True), number(0, 1), one_of("true", "false", "True", "False")
KNOWN = {
    "num_classes": COUNT,
    "num_training_samples": COUNT,
    "augmentation_type": one_of("crop", "crop_color", "crop_color_transform"),
    "beta_1": SHARE,
    "beta_2": SHARE,
    "checkpoint_frequency": COUNT,
    "early_stopping": FLAG,
    "early_stopping_min_epochs": COUNT,
    "early_stopping_patience": COUNT,
    "early_stopping_tolerance": SHARE,
    "epochs": COUNT,
    "eps": SHARE,
    "gamma": SHARE,
    "image_shape": matching(r"\d+,\s*\d+,\s*\d+", "of the form 'channels,height,width'"),
    "kv_store": one_of("dist_sync", "dist_async"),
    "learning_rate": SHARE,
    "lr_scheduler_factor": SHARE,
    "lr_scheduler_step": matching(r"\d+(,\s*\d+)*", "a list of epochs"),
    "mini_batch_size": COUNT,
    "momentum": number(0, 0.999),
    "multi_label": one_of("0", "1"),
    "num_layers": one_of("18", "34", "50", "101", "152", "200", "20", "32", "44", "56", "110"),
    "optimizer": one_of("sgd", "adam", "rmsprop", "nag"),
    "precision_dtype": one_of("float32", "float16"),
    "resize": COUNT,
    "top_k": number(2, whole=True),
    "use_pretrained_model": one_of("0", "1"),
    "use_weighted_loss": one_of("0", "1"),
    "weight_decay": SHARE,
}
REQUIRED = ("num_classes", "num_training_samples")


def problem(given):
    """given: {name: text} → a sentence on the first that the algorithm refuses, or None"""
    for name in REQUIRED:
        if name not in given:
            return "'%s' is a required property" % name
    for name, text in given.items():
        if name not in KNOWN:
            return "Additional properties are not allowed ('%s' was unexpected)" % name
        wrong = KNOWN[name](text)
        if wrong:
            return "%r of the hyperparameter %s %s" % (text, name, wrong)
    shape = [int(side) for side in given.get("image_shape", "3,224,224").split(",")]
    if "resize" in given and int(given["resize"]) < max(shape[1:]):
        return "resize %s is smaller than the image_shape %s" % (given["resize"], given.get("image_shape", "3,224,224"))
    if "epochs" in given and int(given.get("checkpoint_frequency", 1)) > int(given["epochs"]):
        return "checkpoint_frequency %s is larger than epochs %s" % (given["checkpoint_frequency"], given["epochs"])
    return None
