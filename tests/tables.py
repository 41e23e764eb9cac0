"""What tests of tables share."""


def cells_of(table, label):
    """Find the row of a table that begins so; returns its other cells."""
    (line,) = (line for line in table.splitlines() if line.startswith(f"| {label}"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]
