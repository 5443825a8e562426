"""What Yuefu costs, measured on real processes: `python -m bench`. The figures go to `docs/benchmarks.md`."""
