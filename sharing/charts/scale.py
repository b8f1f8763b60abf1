"""The axes of a picture: where their ticks are, and what stands beside them."""


def nice_ticks(largest: int, wanted: int = 4) -> list[int]:
    """Return whole ticks from zero in steps of 1, 2 or 5 times a power of ten, the last at or over `largest`."""
    power, steps = 1, (1, 2, 5)
    while True:
        for step in steps:
            size = step * power
            # Whole numbers all the way: floats cannot tell the largest counts apart.
            count = -(-max(largest, 1) // size)
            if count <= wanted:
                return [size * number for number in range(count + 1)]
        power *= 10


def short_number(number: int) -> str:
    """Return a number for an axis: 950, 1,500, 20k, 3M, 4bn."""
    for size, unit in ((10**12, "tn"), (10**9, "bn"), (10**6, "M"), (10**3, "k")):
        if number >= size and (number >= 10_000 or size > 10**3):
            whole, rest = divmod(number, size)
            tenth = rest * 10 // size
            return f"{whole:,}.{tenth}{unit}" if tenth and whole < 100 else f"{whole:,}{unit}"
    return f"{number:,}"


def dated_points(count: int, most: int) -> list[int]:
    """Return which points carry a date: evenly apart, always the last, and no more than `most`."""
    if count <= 0:
        return []
    apart = -(-count // most)
    return list(range((count - 1) % apart, count, apart))
