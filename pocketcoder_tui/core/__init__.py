"""The words of the house: types, events, errors and ports. No I/O, no library, no opinion."""
