"""The admin API under `/admin/v1`: what the command line can do, over HTTP, for holders of admin keys."""
