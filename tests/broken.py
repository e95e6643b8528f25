"""Files that came to harm: cut short, or with some bytes changed."""

from hypothesis import strategies as st


@st.composite
def broken(draw, whole: bytes, least: int = 0) -> bytes:
    """Of a whole file; `least` bytes of it are there."""
    left = bytearray(whole)
    if draw(st.booleans()):
        del left[draw(st.integers(least, len(whole) - 1)) :]
    for _ in range(draw(st.integers(0, 3)) if left else 0):
        left[draw(st.integers(0, len(left) - 1))] = draw(st.integers(0, 255))
    return bytes(left)
