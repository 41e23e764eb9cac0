"""The figures in the texts, made of the records of runs and benches."""
