"""The rows of the reference of Routee's API about the SMS family, and what must hold for each."""
