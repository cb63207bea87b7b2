"""How good the detectors are, measured on traces of which people or programs have said what is wrong."""
