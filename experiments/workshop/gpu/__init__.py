"""What can be known of a GPU without one, and what is measured where there is one."""
