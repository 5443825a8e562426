"""What is allowed and owed: deals, the decision over them, grants and charges. Knows neither HTTP nor SQL."""
