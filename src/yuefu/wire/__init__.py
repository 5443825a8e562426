"""What crosses the network: names, shapes, signatures, tokens and return codes. Knows no store and no socket."""
