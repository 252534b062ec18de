"""Archives in the exact format of `cifar-100-python.tar.gz`: a folder with the pickles `train`, `test` and `meta`.

The real pickles were written by Python 2 (protocol 2, strings of bytes, numpy arrays by `numpy.core.multiarray._reconstruct`). Today's
`pickle` writes bytes differently, so the few opcodes that are needed are written here by hand: a reader that copes with these copes with the
real ones.
"""

import gzip
import io
import struct
import tarfile

import numpy
import pictures

FINE = (
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar cattle chair "
    "chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard "
    "lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear "
    "pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail "
    "snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale "
    "willow_tree wolf woman worm"
).split()
COARSE = (
    "aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture insects large_carnivores "
    "large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people "
    "reptiles small_mammals trees vehicles_1 vehicles_2"
).split()
VEHICLES = COARSE.index("vehicles_1")  # bicycles and motorcycles are both in it


def write(path, counts, others=0, seed=1):
    """counts: {"train": per class, "test": per class}; `others` rows of other classes go into each, for a reader to leave out"""
    meta = pickled({"fine_label_names": FINE, "coarse_label_names": COARSE})
    files = {name: pickled(batch(name, count, others, seed)) for name, count in counts.items()}
    with open(path, "wb") as out, gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for name, data in (("meta", meta), *sorted(files.items())):
            entry = tarfile.TarInfo("cifar-100-python/" + name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def batch(name, count, others, seed):
    random = numpy.random.default_rng([seed, len(name)])
    first = seed * 100_000 + (pictures.HELD_OUT if name == "test" else 0)
    rows = [(kind, FINE.index(kind), VEHICLES, first + number) for kind in pictures.CLASSES for number in range(count)]
    foreign = [index for index, word in enumerate(FINE) if word not in pictures.CLASSES]
    for number in range(others):
        rows.append((pictures.NOISE, int(random.choice(foreign)), int(random.integers(18)), first + number))
    rows = [rows[index] for index in random.permutation(len(rows))]
    data = numpy.stack([pictures.draw(kind, number).transpose(2, 0, 1).reshape(-1) for kind, _, _, number in rows])
    return {
        "filenames": ["%s_s_%06d.png" % (FINE[fine], number % 1_000_000) for _, fine, _, number in rows],
        "batch_label": {"train": "training batch 1 of 1", "test": "testing batch 1 of 1"}[name],
        "fine_labels": [fine for _, fine, _, _ in rows],
        "coarse_labels": [coarse for _, _, coarse, _ in rows],
        "data": data,
    }


def pickled(value):
    return b"\x80\x02" + opcodes(value) + b"."


def opcodes(value):
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)
    if isinstance(value, str):
        return opcodes(value.encode("ascii"))
    if isinstance(value, bytes):  # Python 2's str
        return b"U" + bytes([len(value)]) + value if len(value) < 256 else b"T" + struct.pack("<i", len(value)) + value
    if isinstance(value, tuple):
        return b"(" + b"".join(map(opcodes, value)) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(map(opcodes, value)) + b"e"
    if isinstance(value, dict):
        return b"}(" + b"".join(opcodes(key) + opcodes(item) for key, item in value.items()) + b"u"
    assert isinstance(value, numpy.ndarray) and value.dtype == numpy.uint8
    kind = b"cnumpy\ndtype\n" + opcodes(("u1", 0, 1)) + b"R" + opcodes((3, "|", None, None, None, -1, -1, 0)) + b"b"
    empty = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + opcodes((0,)) + opcodes("b") + b"tR"
    return empty + b"(" + opcodes(1) + opcodes(value.shape) + kind + opcodes(False) + opcodes(value.tobytes()) + b"tb"
