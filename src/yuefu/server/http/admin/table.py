"""All endpoints of the admin API. Of two paths that fit a request the earlier one answers."""

from yuefu.server.http.admin.apps import APPS
from yuefu.server.http.admin.deals import DEALS
from yuefu.server.http.admin.endpoint import AnyEndpoint
from yuefu.server.http.admin.reports import REPORTS
from yuefu.server.http.admin.songs import SONGS
from yuefu.server.http.admin.takedowns import TAKEDOWNS
from yuefu.server.http.admin.trail import TRAIL

ENDPOINTS: tuple[AnyEndpoint, ...] = (*SONGS, *DEALS, *TAKEDOWNS, *APPS, *REPORTS, *TRAIL)
