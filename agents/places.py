"""The numbers by which agents park a caller, and fetch one: no agent, queue or office has one of these."""

PARK = "70"  # where a caller is handed on to
PLACES = tuple(str(place) for place in range(71, 80))
