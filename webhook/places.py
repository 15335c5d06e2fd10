"""How many reviews may be under way at once, in all and of one namespace, and what the others are told."""

MAX_REVIEWS = 1400
"""At once, from the end of their headers to their answers. So many the API server would have under way if 700 came each
second and every registry hung for 2 s; what is beyond would wait for registries until its deadline, and take memory."""
MAX_REVIEWS_OF_ONE = MAX_REVIEWS * 3 // 4
"""That are judged at once for one namespace: the last quarter is left to the others, whatever hangs for this one."""
TOO_MANY = "too many reviews at once"
