"""HTTP: the application, who may ask, and one route a question; requests become questions, answers JSON."""
