"""What Prometheus and Grafana are given: rules and boards, made from the definitions and families."""
