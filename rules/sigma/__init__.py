"""Rules written for Sigma: read with pySigma, mapped onto the fields of events, compiled like all others."""
