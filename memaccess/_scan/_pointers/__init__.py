"""The pointer search: which chains of pointers lead from a fixed place to an address.

``_chains`` sweeps the memory for the ``_collector`` and keeps chains in files. ``_collected`` keeps the pointers that memory has, place and value as four bytes each, since both are
*numbered*: ``_numbering`` counts places without the gaps between ranges. ``_search`` goes from the target
backwards. A *level* is the pointers from which the target is so many pointers away, and its *reach* are
the values that lead to it, which is what the next level is looked for with. No edges are kept: walking
forward from a base, what comes next lies side by side, and each step there is sure to arrive.

All work on many pointers is done by an *engine*: ``_arrays`` has NumPy, ``_plain`` does without. Both
find the same in the same order.
"""
