"""Messages in the form of each channel, and how they leave the product."""
