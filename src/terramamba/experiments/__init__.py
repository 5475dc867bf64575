"""Many runs from one YAML file: data x models x splits x seeds x ablations, and tables that can be believed.

``file`` reads and checks the YAML, ``plan`` makes the runs of it, ``work`` does one, ``pool`` several at a
time, ``main`` all. ``results`` writes what was found as two tables of plain values and reads them back;
``units`` and ``statistics`` say how sure a score is; ``contenders``, ``tables`` and ``summary`` lay the
models side by side; ``render`` and ``page`` write that for people.
"""
