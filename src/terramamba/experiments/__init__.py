"""Many runs from one YAML file: data x models x splits x seeds x ablations, and tables that can be believed.

``file`` reads the YAML and ``checks`` what it says, ``plan`` makes the runs of it, ``one_run`` does one,
``pool`` several at a time, ``experiment`` all; ``search`` proposes settings. ``results`` writes two tables of
plain values and reads them back; ``statistics`` says how sure a score is; ``tables`` lays the models side by
side; ``render`` writes that for people. ``task`` is what a job has to bring along for this.
"""
