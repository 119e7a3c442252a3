"""What a sweep would do, and how long that would take, before anything is trained."""
