"""What the modules of one service share: settings, dependencies, and the service's copy of the law book."""
