"""What tests share: a scripted provider, a real server on a free port, requests."""
