"""Percentages, with as many decimals as they bear."""


def write_probability(probability: float, decimals: int) -> str:
    """Write a probability in percent; what is nearly certain is not called certain."""
    text = f"{probability:.{decimals}%}"
    if float(text.rstrip("%")) < 100:
        return text
    return f"> {1 - 10.0 ** -(2 + decimals):.{decimals}%}"
