"""What exists: songs and their parts, as published. Knows neither rights nor wire."""
