"""Hide and seek: generators that hide their training rows against attacks that seek them."""
