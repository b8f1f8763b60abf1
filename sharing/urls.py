"""Where shares begin and arrive."""

from django.urls import path

from sharing import views

app_name = "sharing"

urlpatterns = [
    path("share/<str:code>/<slug:network>/", views.intent, name="intent"),
    path("s/<str:link>/", views.arrival, name="arrival"),
    path("share/<str:code>/", views.counts, name="counts"),
    path("share/<str:code>/qr.svg", views.qr_code, {"kind": "svg"}, name="qr-svg"),
    path("share/<str:code>/qr.png", views.qr_code, {"kind": "png"}, name="qr-png"),
]
