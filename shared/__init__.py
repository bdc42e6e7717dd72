"""The one library that services may import."""
