"""What training adds to a forward pass: optimisers, what recurrent layers keep, and the memory it takes."""
