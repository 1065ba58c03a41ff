"""Grafana dashboards as code: what is drawn is looked up in the catalogue of metrics."""
