"""Maps of scenes of any size: jobs that can be shared, ended and gone on with."""
