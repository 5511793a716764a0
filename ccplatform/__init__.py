"""ccplatform: a contact-centre platform that proves its own service quality."""

__version__ = "0.1.0"
