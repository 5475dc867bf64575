"""What a file is, whether two make a pair, how far they lie apart."""
