"""Magic squares: rows, columns and diagonals all add up to the same.

>>> from abacus.magic import is_magic
>>> is_magic([[2, 7, 6], [9, 5, 1], [4, 3, 8]])
True
"""


def square(order):
    """Build the magic square of an odd order, the way sailors learnt it in Siam.

    >>> square(3)
    [[8, 1, 6], [3, 5, 7], [4, 9, 2]]
    """
    grid = [[0] * order for _ in range(order)]
    row, column = 0, order // 2
    for number in range(1, order * order + 1):
        grid[row][column] = number
        above, right = (row - 1) % order, (column + 1) % order
        row, column = ((row + 1) % order, column) if grid[above][right] else (above, right)
    return grid


def is_magic(grid):
    """Tell whether a square is magic.

    >>> is_magic(square(5))
    True
    >>> is_magic([[1, 2], [3, 4]])
    False
    """
    order = range(len(grid))
    sums = {sum(row) for row in grid} | {sum(column) for column in zip(*grid)}
    return len(sums | {sum(grid[i][i] for i in order), sum(grid[i][-1 - i] for i in order)}) == 1
