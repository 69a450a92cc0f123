"""Texts judged by any maker: the verb and its page."""
