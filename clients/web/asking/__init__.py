"""What is asked: a question's time and filter, its deadline, and the texts that lead to it and from it."""
