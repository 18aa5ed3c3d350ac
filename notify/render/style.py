"""Colours and styles of mail: what the mail readers of desktops and telephones have in common."""

INK = {"critical": "#a3101f", "high": "#a84300", "medium": "#7a5c00", "low": "#1f5f8b"}
BACKGROUND = {"critical": "#fdecee", "high": "#fff1e6", "medium": "#fff8e0", "low": "#eaf4fb"}

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace"
_WRAP = "overflow-wrap:anywhere;word-break:break-word"

STYLES = {
    "page": f"margin:0;padding:12px 8px;background:#f1f4f6;{_FONT}",
    "hidden": "display:none;max-height:0;overflow:hidden",
    "card": "max-width:680px;margin:0 auto;background:#ffffff;border:1px solid #d9e0e5;"
    "border-radius:8px;overflow:hidden",
    "inside": "padding:2px 20px 16px",
    "banner": "color:#ffffff;padding:16px 20px",
    "kicker": "font-size:12px;line-height:17px;font-weight:700;letter-spacing:.5px",
    "title": f"margin:6px 0 4px;font-size:21px;line-height:27px;font-weight:700;{_WRAP}",
    "place": f"font-size:15px;line-height:21px;{_WRAP}",
    "owner": f"margin-top:8px;font-size:13px;line-height:18px;{_WRAP}",
    "heading": "margin:22px 0 6px;font-size:14px;line-height:19px;font-weight:700;color:#3d4852",
    "subhead": "margin:0 0 4px;font-size:15px;line-height:20px;font-weight:700",
    "strong": f"margin:0 0 6px;font-size:15px;line-height:22px;font-weight:600;color:#1b2329;{_WRAP}",
    "text": f"margin:0 0 8px;font-size:15px;line-height:22px;color:#1b2329;{_WRAP}",
    "small": f"margin:0 0 4px;font-size:12px;line-height:18px;color:#53606b;{_WRAP}",
    "todo": "margin-top:16px;padding:12px 14px 6px",
    "list": "margin:0 0 8px;padding-left:20px",
    "item": f"margin:2px 0;font-size:15px;line-height:21px;color:#1b2329;{_WRAP}",
    "box": "background:#f7f9fa;border:1px solid #e4e9ed;border-radius:6px;padding:8px 10px",
    "code": f"{_MONO};font-size:12px;line-height:18px;color:#1b2329;background:#f7f9fa;"
    f"border:1px solid #e4e9ed;border-radius:6px;padding:8px 10px;{_WRAP}",
    "process": f"{_MONO};font-size:13px;line-height:20px;color:#53606b;{_WRAP}",
    "culprit": "background:#fff3c4;border-radius:4px;padding:3px 6px",
    "name": "color:#1b2329",
    "pid": "color:#6b7884",
    "place_of": "color:#1f5f8b",
    "mark": f"font-weight:700;{_FONT}",
    "command": "color:#3d4852;padding-left:16px",
    "label": "padding:3px 14px 3px 0;font-size:13px;line-height:20px;color:#53606b;"
    "vertical-align:top;white-space:nowrap",
    "value": f"padding:3px 0;font-size:14px;line-height:20px;color:#1b2329;{_WRAP}",
    "link": "color:#1f5f8b",
    "button": "display:inline-block;margin:0 8px 8px 0;padding:8px 14px;border:1px solid #1f5f8b;"
    "border-radius:6px;color:#1f5f8b;font-size:14px;line-height:18px;text-decoration:none",
    "foot": "border-top:1px solid #e4e9ed;margin-top:22px;padding-top:10px",
}
