// The theme that was chosen here before, set before anything is painted. Without one the system's holds.
{
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
