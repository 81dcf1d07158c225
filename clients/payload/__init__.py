"""Commands that look into the payload of flows: radump, radecode, ragrep, raservices, rauserdata."""
