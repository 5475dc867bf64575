"""Many runs from one YAML file: data x models x splits x seeds x ablations, and tables that can be believed.

``file`` reads and checks the YAML, ``plan`` makes the runs of it, ``work`` does one, ``pool`` several at a
time, ``units`` and ``statistics`` say how sure a score is, ``results``, ``tables`` and ``render`` write what
was found, ``main`` does it all.
"""
