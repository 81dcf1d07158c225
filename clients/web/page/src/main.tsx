import { render } from "preact";
import { App } from "./app/app";
import { followLinks } from "./app/place";
import { startTheme } from "./app/theme";
import "./style/base.css";
import "./style/parts.css";
import "./style/views.css";

startTheme();
followLinks();
const page = document.getElementById("page");
if (page) render(<App />, page);
