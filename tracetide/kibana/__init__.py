"""Kibana's dashboards for tracetide's alerts, from a description to saved objects.

A dashboard is described with the classes of ``panels.py``; the list below names them in the order of their
links. ``saved.py`` makes the saved objects, ``importing.py`` brings them into a Kibana.
"""

from tracetide.kibana.health import HEALTH
from tracetide.kibana.investigation import INVESTIGATION
from tracetide.kibana.overview import OVERVIEW
from tracetide.kibana.panels import Dashboard

DASHBOARDS: tuple[Dashboard, ...] = (OVERVIEW, INVESTIGATION, HEALTH)
