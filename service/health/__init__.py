"""How the providers do: unbilled checks, shared and remembered, laid beside live traffic."""
