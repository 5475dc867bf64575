"""What trained models look at: engines that the explanations of both wings use."""
