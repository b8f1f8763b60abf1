"""What editors upload: pictures and documents, checked and cleaned before they are stored."""
