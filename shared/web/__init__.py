"""What the HTTP faces of all services share: problems in two languages, who may call, the frame of an application."""
