"""When each feed is requested next, and where: pure decisions from its history, HTTP freshness and update hints."""
