"""`python -m deploy.grafana`: write the dashboards anew."""

from deploy.grafana.files import files

for path, text in files().items():
    path.write_text(text, encoding="utf-8")
    print(path.name)
